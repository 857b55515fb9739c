"""Words every feature may use; knows no feature."""
