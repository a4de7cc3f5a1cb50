"""A driver that breaks the protocol: the first argument says how."""

import json
import sys
import time

GOOD = {"protocol": 1, "does": "translate"}
WAYS = {
    "other-protocol": {**GOOD, "protocol": 2},
    "no-work": {"protocol": 1},
    "odd-word": {**GOOD, "tells": ["all"]},
    "words-as-text": {**GOOD, "modes": "cloud"},
    "refuses-nothing": {"refused": "no"},
    "list": [],
    "failed-as-number": {"failed": 1},
}
"""What it answers to `start`."""

ANSWERS = {
    "no-answers": {},
    "too-many": {"answers": [{"operations": []}] * 2},
    "no-operations": {"answers": [{}]},
    "no-payload": {"answers": [{"operations": [{"endpoint": "/track", "host": "x"}]}]},
    "error-as-text": {"answers": [{"operations": [], "error": "no name"}]},
    "answer-as-text": {"answers": ["done"]},
    "other-message": {"answers": [{"messageId": "m9", "operations": []}]},
    "no-path": {"answers": [{"operations": [{"endpoint": "track", "host": "x", "payload": {}}]}]},
    "operations-as-object": {"answers": [{"operations": {}}]},
}
"""What it answers to the rest."""


def main(way: str) -> None:
    if way == "ends":
        sys.exit("no such file: config.toml")
    if way == "chatty":
        print("driver 1.0 ready", flush=True)
    for line in sys.stdin:
        command = json.loads(line)["command"]
        if way == "silent":
            time.sleep(600)
        elif way == "not-json":
            print("Traceback (most recent call last):", flush=True)
        elif way == "nan":
            print('{"protocol": NaN}', flush=True)
        elif way == "half-a-line":
            print('{"protocol": 1', end="", flush=True)
            return
        elif way == "twice":
            print(json.dumps(GOOD), flush=True)
            print(json.dumps(GOOD), flush=True)
        elif command == "start":
            print(json.dumps(WAYS.get(way, GOOD)), flush=True)
        elif command == "stop":
            print("{}", flush=True)
        elif way == "not-utf8":
            sys.stdout.buffer.write(b'{"answers": [{"operations": [], "note": "\xff"}]}\n')
            sys.stdout.buffer.flush()
        elif way == "dies-later":
            sys.exit("out of memory")
        else:
            print(json.dumps(ANSWERS[way]), flush=True)


main(sys.argv[1])
