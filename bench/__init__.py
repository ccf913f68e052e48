"""What `make bench` measures; everything on loopback, every comparison in interleaved rounds of one run."""
