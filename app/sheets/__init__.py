"""Spreadsheets in and templates out: read in a limited process, refused in words, known to no feature."""
