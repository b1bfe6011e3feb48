"""What is given to what can be calibrated: files and queries to columns, exports recognised by their headers."""
