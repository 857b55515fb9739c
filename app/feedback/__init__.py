"""投诉建议: what the public says to the office, and the answer."""
