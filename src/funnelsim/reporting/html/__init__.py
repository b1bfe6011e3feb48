"""The one-file report: saved folders read, made into rows and pictures, and rendered as one HTML file."""
