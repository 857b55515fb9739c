"""A believable district for trying the product, every invented name marked 示例."""
