"""报名: who takes part, places and the waitlist."""
