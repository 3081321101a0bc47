package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

var lockRows = []row{
	{"mutex_uncontended", "ns/pair", 20_000_000, 1_000_000, uncontended},
	{"mutex_100x10k", "ns/pair", 10_000, 1_000, func(n int) (float64, string) { return hundred(n, false) }},
	{"mutex_holder_yields", "ns/pair", 10_000, 1_000, func(n int) (float64, string) { return hundred(n, true) }},
}

func uncontended(rounds int) (float64, string) {
	var mu sync.Mutex
	count := 0
	start := time.Now()
	for range rounds {
		mu.Lock()
		count++
		mu.Unlock()
	}
	took := nanosecondsSince(start)
	if count != rounds {
		panic("mutex: lost count")
	}
	return took / float64(rounds), ""
}

func hundred(rounds int, yields bool) (float64, string) {
	const fibers = 100
	var mu sync.Mutex
	var over sync.WaitGroup
	count := 0
	over.Add(fibers)
	start := time.Now()
	for range fibers {
		go func() {
			for r := range rounds {
				mu.Lock()
				count++
				if yields && r%16 == 0 {
					runtime.Gosched()
				}
				mu.Unlock()
			}
			over.Done()
		}()
	}
	over.Wait()
	took := nanosecondsSince(start)
	if count != fibers*rounds {
		panic(fmt.Sprintf("mutex: counted %d", count))
	}
	return took / float64(fibers*rounds), ""
}
