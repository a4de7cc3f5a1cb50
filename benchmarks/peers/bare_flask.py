"""A bare Flask application: it reads the body and does nothing else."""

from flask import Flask, request

app = Flask(__name__)


@app.post("/track")
def track() -> str:
    """Answer as Mixpanel does."""
    request.get_data()
    return "1"
