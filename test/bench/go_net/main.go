// Go's side of the network benchmarks. usage: [-m echo|sink|source|file|udp|http|https|proxy|client] [-p PORT] [-w WORKERS] [-b BYTES]
// [-hog MICROSECONDS] [-dl 1] [-cert PEM] [-up PORT]; ours is net_server.cpp.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"time"
)

var (
	mode      = flag.String("m", "echo", "echo, sink, source, file, udp, http, https, proxy or client")
	cert      = flag.String("cert", "", "a file with certificate and key")
	up        = flag.String("up", "", "the port that a proxy's requests go on to")
	port      = flag.Int("p", 9000, "port")
	workers   = flag.Int("w", 1, "GOMAXPROCS")
	bytes     = flag.Int("b", 4096, "size of an echo's buffer")
	hogs      = flag.Int("hog", 0, "microseconds that a goroutine computes in one piece")
	amount    = flag.Int("n", 100000, "how many requests a client sends")
	deadlines = flag.Int("dl", 0, "1: a deadline before each read")
)

func echo(c net.Conn) {
	room := make([]byte, *bytes)
	for {
		if *deadlines != 0 {
			c.SetReadDeadline(time.Now().Add(5 * time.Second))
		}
		n, err := c.Read(room)
		if err != nil {
			return
		}
		if _, err = c.Write(room[:n]); err != nil {
			return
		}
	}
}

func sink(c net.Conn) {
	room := make([]byte, 65536)
	for {
		if _, err := c.Read(room); err != nil {
			return
		}
	}
}

func source(c net.Conn) {
	room := make([]byte, 65536)
	for {
		if _, err := c.Write(room); err != nil {
			return
		}
	}
}

var large *os.File

// A file of 1 GB, all of it in the page cache.
func largeFile() *os.File {
	f, err := os.CreateTemp("", "bench-file-")
	if err != nil {
		panic(err)
	}
	os.Remove(f.Name())
	room := make([]byte, 1<<20)
	for range 1024 {
		f.Write(room)
	}
	return f
}

// For one connection.
func sendFile(c net.Conn) {
	var err error
	for err == nil {
		large.Seek(0, 0)
		_, err = io.Copy(c, large)
	}
}

// Go's package net has no batches.
func echoDatagrams() {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: *port})
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(os.Stderr, "ready")
	room := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDPAddrPort(room)
		if err != nil {
			panic(err)
		}
		c.WriteToUDPAddrPort(room[:n], from)
	}
}

func hog(piece time.Duration) {
	for {
		for start := time.Now(); time.Since(start) < piece; {
		}
		runtime.Gosched()
	}
}

func main() {
	flag.Parse()
	runtime.GOMAXPROCS(*workers)
	if *mode == "udp" {
		echoDatagrams()
	}
	if *mode == "client" {
		askNginx()
		return
	}
	listener, err := net.Listen("tcp4", fmt.Sprintf("0.0.0.0:%d", *port))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if *mode == "file" {
		large = largeFile()
	}
	if *hogs > 0 {
		go hog(time.Duration(*hogs) * time.Microsecond)
	}
	if *mode == "http" || *mode == "https" || *mode == "proxy" {
		serveHTTP(listener)
	}
	fmt.Fprintln(os.Stderr, "ready")
	work := map[string]func(net.Conn){"echo": echo, "sink": sink, "source": source, "file": sendFile}[*mode]
	for {
		c, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go func() {
			defer c.Close()
			work(c)
		}()
	}
}
