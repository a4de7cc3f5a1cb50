# From {"messages", "now"} to {"answers"}; the settings are in $settings.

# Seconds since 1970 of an ISO 8601 time in UTC.
def seconds: sub("\\.\\d+"; "") | fromdate;

def operation($endpoint; $payload):
  {
    endpoint: $endpoint,
    host: (if $settings.enableEuropeanUnionEndpoint then "https://api-eu.mixpanel.com"
           else "https://api.mixpanel.com" end),
    payload: $payload
  };

def track($time):
  (.properties // {} | map_values(select(. != null) | if type == "object" then tojson else . end))
  + { distinct_id: (.userId // .anonymousId // ""), time: $time, token: $settings.token }
  + { mp_lib: "Segment: \(.context.library.name? // "unknown")" }
  + (if .userId then {id: .userId} else {} end)
  + (if .userId // .anonymousId then {mp_name_tag: (.userId // .anonymousId)} else {} end)
  + (if .context.ip? then {ip: .context.ip} else {} end)
  + (if .messageId then {"$insert_id": "\(.messageId)"} else {} end);

def alias: { token: $settings.token, distinct_id: .previousId, alias: .userId };

def answer($now):
  (if .timestamp then (.timestamp | seconds) else $now end) as $time
  | if .type == "track" then [operation("/track"; {event, properties: track($time)})]
    else [operation("/track"; {event: "$create_alias", properties: alias})] end
  | {operations: .};

(.now | seconds) as $now
| if all(.messages[]; type == "object" and (.type == "track" or .type == "alias"))
  then {answers: [.messages[] | answer($now)]}
  else {unsupported: "this translator knows track and alias calls only"} end
