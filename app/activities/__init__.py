"""活动: programmes, activities and their sessions."""
