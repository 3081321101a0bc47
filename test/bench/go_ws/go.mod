module ws_server

go 1.24

require github.com/gorilla/websocket v1.5.0

// Debian's golang-github-gorilla-websocket-dev; without it there is nothing to compare with.
replace github.com/gorilla/websocket => /usr/share/gocode/src/github.com/gorilla/websocket
