"""审核: the office reads, approves or returns; approval freezes the facts."""
