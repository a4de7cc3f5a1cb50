"""The pages by subject: each function gives the values of one template."""
