"""What Flask alone costs: it reads the body, and does nothing with it."""

from flask import Flask, request

app = Flask(__name__)


@app.post("/track")
def track() -> str:
    """Answer as Mixpanel does."""
    request.get_data()
    return "1"
