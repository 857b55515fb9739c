"""工作计划: the plan, its tasks, indicators and targets."""
