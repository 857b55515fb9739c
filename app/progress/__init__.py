"""工作进展、建设项目: what counts for the plan and is not an activity."""
