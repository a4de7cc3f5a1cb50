"""An application in staging: it sends Segment calls to the gateway instead of to Segment."""

import json
import sys
import urllib.request

CALLS = (
    ("identify", {"userId": "ann", "traits": {"email": "ann@example.com", "plan": "pro"}}),
    ("track", {"userId": "ann", "event": "Order Completed", "properties": {"total": 12}}),
)

for name, call in CALLS:
    request = urllib.request.Request(
        f"{sys.argv[1]}/v1/{name}",
        data=json.dumps(call).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        print(name, response.status)
