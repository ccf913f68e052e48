"""What fills the terminal: the desk and its modals."""
