#!/bin/sh
# Longwire's server against curl, which shows the handshake's bare bytes:
#   client.sh ECHO_URL CHOOSY_URL
# Each check prints `ok NAME` or `FAIL NAME: why`; see interop/README.md.
set -u

echo_url=http${1#ws}
choosy_url=http${2#ws}
failures=0

# The handshake of RFC 6455 section 1.3, to which checks add or leave out headers.
rfc_key='dGhlIHNhbXBsZSBub25jZQ=='
upgrade='Upgrade: websocket'
connection='Connection: Upgrade'
version='Sec-WebSocket-Version: 13'
key="Sec-WebSocket-Key: $rfc_key"

# answer URL [HEADER]...: sets $response to the response as it came, without
# carriage returns. After a 101 nothing more comes, so curl is stopped.
answer() {
    url=$1
    shift
    for header; do
        set -- "$@" -H "$header"
        shift
    done
    response=$(curl --silent --include --no-buffer --http1.1 --noproxy '*' --max-time 1 \
        ${method:+--request "$method"} "$@" "$url" | tr -d '\r')
    status=$(printf '%s\n' "$response" | sed -n '1s/^HTTP\/1\.1 \([0-9]*\).*/\1/p')
}

# header NAME: the value of a header of $response; names know no case.
header() {
    printf '%s\n' "$response" | sed -n '1d; /^$/q; p' | grep -i "^$1:" | sed 's/^[^:]*: *//'
}

# verdict NAME WHY: an empty WHY is a pass.
verdict() {
    if [ -z "$2" ]; then
        echo "ok $1"
    else
        echo "FAIL $1: $2"
        failures=$((failures + 1))
    fi
}

# differs WHAT GOT EXPECTED: prints what is wrong, if anything is.
differs() {
    [ "$2" = "$3" ] || echo "$1 is '$2', expected '$3'; "
}

lower() {
    tr '[:upper:]' '[:lower:]'
}

# accepts NAME KEY ACCEPT: a complete handshake and its exact answer.
accepts() {
    answer "$echo_url" "$upgrade" "$connection" "$version" "Sec-WebSocket-Key: $2"
    verdict "$1" "$(
        differs status "$status" 101
        differs Upgrade "$(header upgrade | lower)" websocket
        differs Connection "$(header connection | lower)" upgrade
        differs Sec-WebSocket-Accept "$(header sec-websocket-accept)" "$3"
        differs Sec-WebSocket-Protocol "$(header sec-websocket-protocol)" ''
    )"
}

# refuses NAME STATUS HEADER...: a handshake that is answered with an error.
refuses() {
    name=$1
    expected=$2
    shift 2
    answer "$echo_url" "$@"
    verdict "$name" "$(differs status "$status" "$expected")"
}

accepts accept-of-the-rfc "$rfc_key" 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
accepts accept-of-another-key 'x3JJHMbDL1EzLkh9GBhXDw==' 'HSmrc0sMlYUkAGmm5OPpG2HaGWk='

answer "$echo_url" "upgrade: WebSocket" "connection: keep-alive, Upgrade" "$version" "$key"
verdict names-and-tokens-know-no-case "$(differs status "$status" 101)"

answer "$echo_url" "$upgrade" "$connection" "$version" "$key" \
    'Sec-WebSocket-Protocol: chat.v9, chat.v1'
verdict subprotocol-first-offer \
    "$(differs Sec-WebSocket-Protocol "$(header sec-websocket-protocol)" chat.v9)"

answer "$choosy_url" "$upgrade" "$connection" "$version" "$key" \
    'Sec-WebSocket-Protocol: chat.v9, chat.v1'
verdict subprotocol-configured \
    "$(differs Sec-WebSocket-Protocol "$(header sec-websocket-protocol)" chat.v1)"

answer "$echo_url" "$upgrade" "$connection" 'Sec-WebSocket-Version: 12' "$key"
verdict other-version-426 "$(
    differs status "$status" 426
    differs Sec-WebSocket-Version "$(header sec-websocket-version)" 13
)"

# RFC 9110 section 15.5.22: a 426 must say what to upgrade to.
answer "$echo_url"
verdict plain-get-426 "$(
    differs status "$status" 426
    differs Upgrade "$(header upgrade | lower)" websocket
)"

method=POST
answer "$echo_url" "$upgrade" "$connection" "$version" "$key"
method=
verdict post-405 "$(
    differs status "$status" 405
    differs Allow "$(header allow)" GET
)"

refuses no-key-400 400 "$upgrade" "$connection" "$version"
refuses short-key-400 400 "$upgrade" "$connection" "$version" 'Sec-WebSocket-Key: c2hvcnQ='

host=${echo_url#*://}
answer "$echo_url" "$upgrade" "$connection" "$version" "$key" "Origin: http://${host%%/*}"
verdict own-origin-accepted "$(differs status "$status" 101)"

answer "$echo_url" "$upgrade" "$connection" "$version" "$key" 'Origin: https://elsewhere.example'
verdict foreign-origin-403 "$(
    differs status "$status" 403
    printf '%s' "$response" | grep -q -e '--allow-origin' || echo 'the setting is not named'
)"

refuses null-origin-403 403 "$upgrade" "$connection" "$version" "$key" 'Origin: null'

[ "$failures" -eq 0 ]
