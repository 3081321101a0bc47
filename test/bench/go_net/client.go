// What http_client.cpp does, by net/http.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const askers = 100

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ask(c *http.Client, url string) {
	resp, err := c.Get(url)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}

func askAll(c *http.Client, url string, n int) {
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	for range askers {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				ask(c, url)
			}
		})
	}
	all.Wait()
}

func askNginx() {
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: askers}}
	url := fmt.Sprintf("http://127.0.0.1:%d/", *port)
	askAll(c, url, *amount/10)
	cpu, start := cpuTime(), time.Now()
	askAll(c, url, *amount)
	cpu, elapsed := cpuTime()-cpu, time.Since(start)
	n := float64(*amount)
	fmt.Printf("rate=%.1f cpu_us=%.4f\n", n/elapsed.Seconds(), float64(cpu.Nanoseconds())/1e3/n)
}
