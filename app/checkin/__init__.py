"""签到: every arrival exactly once, through one function."""
