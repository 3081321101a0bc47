package main

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

var socketRows = []row{
	{"pass_descriptor", "trips/s", 100_000, 10_000, passDescriptor},
	{"set_deadline", "ns/call", 5_000_000, 500_000, setDeadline},
	{"set_deadline_waiting", "ns/call", 5_000_000, 500_000, setDeadlineWaiting},
	{"close_unblock", "ns/close", 2_000, 200, closeUnblock},
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func listenHere() net.Listener { return must(net.Listen("tcp", "127.0.0.1:0")) }

func connectOver(l net.Listener) (here, there net.Conn) {
	here = must(net.Dial("tcp", l.Addr().String()))
	return here, must(l.Accept())
}

func setDeadline(rounds int) (float64, string) {
	l := listenHere()
	defer l.Close()
	here, there := connectOver(l)
	defer here.Close()
	defer there.Close()
	start := time.Now()
	for range rounds {
		here.SetReadDeadline(time.Now().Add(5 * time.Second))
	}
	return nanosecondsSince(start) / float64(rounds), ""
}

// A goroutine waits for what it reads meanwhile.
func setDeadlineWaiting(rounds int) (float64, string) {
	l := listenHere()
	defer l.Close()
	here, there := connectOver(l)
	defer there.Close()
	over := make(chan struct{})
	go func() {
		here.Read(make([]byte, 64))
		close(over)
	}()
	time.Sleep(time.Millisecond)
	start := time.Now()
	for range rounds {
		here.SetReadDeadline(time.Now().Add(5 * time.Second))
	}
	all := nanosecondsSince(start)
	here.Close()
	<-over
	return all / float64(rounds), ""
}

// From Close until who waited for a read has returned from it, and has been waited for.
func closeUnblock(rounds int) (float64, string) {
	l := listenHere()
	defer l.Close()
	var all float64
	for range rounds {
		here, there := connectOver(l)
		over := make(chan struct{})
		go func() {
			here.Read(make([]byte, 64))
			close(over)
		}()
		time.Sleep(100 * time.Microsecond)
		start := time.Now()
		here.Close()
		<-over
		all += nanosecondsSince(start)
		there.(*net.TCPConn).SetLinger(0) // no TIME_WAIT: ports would run out
		there.Close()
	}
	return all / float64(rounds), ""
}

// A descriptor comes with each message.
func takeDescriptor(c *net.UnixConn) int {
	room := make([]byte, 1)
	control := make([]byte, 64)
	_, n, _, _, err := c.ReadMsgUnix(room, control)
	if err != nil {
		panic(err)
	}
	messages := must(syscall.ParseSocketControlMessage(control[:n]))
	return must(syscall.ParseUnixRights(&messages[0]))[0]
}

func passOn(c *net.UnixConn, number int) {
	if _, _, err := c.WriteMsgUnix([]byte("x"), syscall.UnixRights(number), nil); err != nil {
		panic(err)
	}
}

// One goroutine sends a descriptor to another, which sends it back; both close what they get.
func passDescriptor(rounds int) (float64, string) {
	l := must(net.Listen("unix", fmt.Sprintf("@gossamer-bench-go-%d", os.Getpid())))
	defer l.Close()
	here := must(net.Dial("unix", l.Addr().String())).(*net.UnixConn)
	there := must(l.Accept()).(*net.UnixConn)
	over := make(chan struct{})
	go func() {
		for range rounds {
			number := takeDescriptor(there)
			passOn(there, number)
			syscall.Close(number)
		}
		close(over)
	}()
	start := time.Now()
	for range rounds {
		passOn(here, 1)
		syscall.Close(takeDescriptor(here))
	}
	seconds := time.Since(start).Seconds()
	<-over
	return float64(rounds) / seconds, ""
}
