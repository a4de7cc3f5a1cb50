"""The store in a database: its tables, connections, notifications, and the store itself."""
