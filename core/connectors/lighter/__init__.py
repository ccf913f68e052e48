"""The production connector for Lighter, used for paper and live alike."""
