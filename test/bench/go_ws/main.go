// Go's side of the WebSocket benchmarks, by gorilla/websocket over net/http. usage: [-p PORT] [-w WORKERS] [-m ws]; ours
// is http_server.cpp. The buffers are the server's own, which is what costs least.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"

	"github.com/gorilla/websocket"
)

var (
	port    = flag.Int("p", 9000, "port")
	workers = flag.Int("w", 1, "GOMAXPROCS")
	_       = flag.String("m", "ws", "ws")
)

var upgrader websocket.Upgrader

func echo(w http.ResponseWriter, r *http.Request) {
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		kind, message, err := c.ReadMessage()
		if err != nil {
			return
		}
		if c.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func main() {
	flag.Parse()
	runtime.GOMAXPROCS(*workers)
	on, err := net.Listen("tcp4", fmt.Sprintf("0.0.0.0:%d", *port))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.HandleFunc("/ws", echo)
	fmt.Fprintln(os.Stderr, "ready")
	fmt.Fprintln(os.Stderr, http.Serve(on, nil))
	os.Exit(1)
}
