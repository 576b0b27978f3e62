"""What the land can grow and what a canteen meal needs: figures in TOML, each with its source."""
