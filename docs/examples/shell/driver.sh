#!/bin/sh
# A translator of track and alias calls behind mockpanel's exec protocol. The shell speaks the protocol,
# jq does the JSON.
#
#     python -m conformance run 'track/*' 'alias/*' --target 'exec:sh driver.sh'

translate=$(dirname "$0")/translate.jq

while IFS= read -r line; do
  case $(printf '%s' "$line" | jq -r .command) in
    start)
      settings=$(printf '%s' "$line" | jq -c .settings)
      echo '{"protocol": 1, "name": "shell example", "does": "translate"}'
      ;;
    translate)
      printf '%s' "$line" | jq -c --argjson settings "$settings" --from-file "$translate" ||
        echo '{"failed": "jq crashed"}'
      ;;
    *)
      echo '{}'
      ;;
  esac
done
