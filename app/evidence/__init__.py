"""佐证: photos, documents and links that prove an activity."""
