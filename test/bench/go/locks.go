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
	{"rw_mutex_read", "ns/pair", 20_000_000, 1_000_000, readAlone},
	{"rw_mutex_read_together", "ns/pair", 10_000_000, 1_000_000, readTogether},
	{"rw_mutex_10pct_writes", "ns/pair", 10_000, 1_000, mostlyRead},
	{"cond_chain", "ns/signal", 100_000, 10_000, condChain},
	{"once_done", "ns/call", 100_000_000, 1_000_000, onceDone},
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

func readAlone(rounds int) (float64, string) {
	var mu sync.RWMutex
	count := 0
	start := time.Now()
	for range rounds {
		mu.RLock()
		count++
		mu.RUnlock()
	}
	took := nanosecondsSince(start)
	if count != rounds {
		panic("rw_mutex: lost count")
	}
	return took / float64(rounds), ""
}

func readTogether(rounds int) (float64, string) {
	fibers := runtime.GOMAXPROCS(0)
	var mu sync.RWMutex
	var over sync.WaitGroup
	counts := make([]int, fibers)
	over.Add(fibers)
	start := time.Now()
	for i := range fibers {
		go func() {
			count := 0
			for range rounds {
				mu.RLock()
				count++
				mu.RUnlock()
			}
			counts[i] = count
			over.Done()
		}()
	}
	over.Wait()
	took := nanosecondsSince(start)
	for _, count := range counts {
		if count != rounds {
			panic("rw_mutex: lost count")
		}
	}
	return took / float64(fibers*rounds), ""
}

func mostlyRead(rounds int) (float64, string) {
	const fibers = 100
	var mu sync.RWMutex
	var over sync.WaitGroup
	shared := 0
	over.Add(fibers)
	start := time.Now()
	for i := range fibers {
		go func() {
			seen := 0
			for r := range rounds {
				if (r+i)%10 == 0 {
					mu.Lock()
					shared++
					mu.Unlock()
				} else {
					mu.RLock()
					if shared < seen {
						panic("rw_mutex: went back")
					}
					seen = shared
					mu.RUnlock()
				}
			}
			over.Done()
		}()
	}
	over.Wait()
	took := nanosecondsSince(start)
	if shared != fibers*rounds/10 {
		panic(fmt.Sprintf("rw_mutex: counted %d", shared))
	}
	return took / float64(fibers*rounds), ""
}

func condChain(rounds int) (float64, string) {
	const fibers = 10
	type link struct {
		mu    sync.Mutex
		come  *sync.Cond
		turns int
	}
	links := make([]link, fibers)
	for i := range links {
		links[i].come = sync.NewCond(&links[i].mu)
	}
	var over sync.WaitGroup
	passTo := func(to *link) {
		to.mu.Lock()
		to.turns++
		to.mu.Unlock()
		to.come.Signal()
	}
	over.Add(fibers)
	start := time.Now()
	for i := range fibers {
		go func() {
			mine := &links[i]
			for range rounds {
				mine.mu.Lock()
				for mine.turns == 0 {
					mine.come.Wait()
				}
				mine.turns--
				mine.mu.Unlock()
				passTo(&links[(i+1)%fibers])
			}
			over.Done()
		}()
	}
	passTo(&links[0])
	over.Wait()
	took := nanosecondsSince(start)
	return took / float64(fibers*rounds), ""
}

func onceDone(rounds int) (float64, string) {
	var once sync.Once
	count := 0
	start := time.Now()
	for range rounds {
		once.Do(func() { count++ })
	}
	took := nanosecondsSince(start)
	if count != 1 {
		panic(fmt.Sprintf("once: called %d times", count))
	}
	return took / float64(rounds), ""
}
