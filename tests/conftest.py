"""What all tests share: nothing but the fixtures of their own folders and of the distribution."""
