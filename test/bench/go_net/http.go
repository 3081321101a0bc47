// What http_server.cpp does, by net/http.
package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
)

// A file of 64 KiB, which stays until the server is killed.
func smallFile() string {
	f, err := os.CreateTemp("", "bench-http-*.txt")
	if err != nil {
		panic(err)
	}
	f.Write(make([]byte, 65536))
	f.Close()
	return f.Name()
}

// With as many idle connections as there may be clients.
func proxyTo(port string) http.Handler {
	up, err := url.Parse("http://127.0.0.1:" + port)
	if err != nil {
		panic(err)
	}
	return &httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: 1000},
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(up)
			p.SetXForwarded()
		},
	}
}

func serveHTTP(on net.Listener) {
	path := smallFile()
	http.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("Hello, world!\n"))
	})
	kilobyte := []byte(strings.Repeat("x", 1024))
	http.HandleFunc("GET /1k", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1024")
		w.Write(kilobyte)
	})
	http.HandleFunc("POST /json", func(w http.ResponseWriter, r *http.Request) {
		var v any
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	})
	http.HandleFunc("GET /file", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, path)
	})
	fmt.Fprintln(os.Stderr, "ready")
	if *mode == "https" {
		server := http.Server{TLSConfig: &tls.Config{SessionTicketsDisabled: true, NextProtos: []string{"http/1.1"}}}
		fmt.Fprintln(os.Stderr, server.ServeTLS(on, *cert, *cert))
	} else if *mode == "proxy" {
		fmt.Fprintln(os.Stderr, http.Serve(on, proxyTo(*up)))
	} else {
		fmt.Fprintln(os.Stderr, http.Serve(on, nil))
	}
	os.Exit(1)
}
