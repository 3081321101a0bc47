package main

import (
	"runtime"
	"sync"
	"time"
)

var sharedRows = []row{
	{"pool_get_put", "ns/pair", 20_000_000, 2_000_000, poolGetPut},
	{"map_load_hit", "ns/load", 20_000_000, 2_000_000, mapLoadHit},
	{"map_load_hot", "ns/load", 20_000_000, 2_000_000, mapLoadHot},
	{"map_range", "ns/key", 20_000_000, 2_000_000, mapRange},
	{"map_store_mixed", "ns/call", 20_000_000, 2_000_000, mapStoreMixed},
}

type buffer struct{ bytes [64]byte }

// One goroutine a worker, each of which does a share of the work.
func onAllWorkers(size int, work func(worker, share int)) {
	n := runtime.GOMAXPROCS(0)
	var over sync.WaitGroup
	for i := range n {
		over.Go(func() { work(i, size/n) })
	}
	over.Wait()
}

func poolGetPut(rounds int) (float64, string) {
	pool := sync.Pool{New: func() any { return new(buffer) }}
	start := time.Now()
	onAllWorkers(rounds, func(_, share int) {
		for range share {
			b := pool.Get().(*buffer)
			b.bytes[0]++
			pool.Put(b)
		}
	})
	return nanosecondsSince(start) / float64(rounds), ""
}

const keys = 1024

func mapLoadHit(rounds int) (float64, string) {
	var m sync.Map
	for k := range keys {
		m.Store(k, k)
	}
	start := time.Now()
	onAllWorkers(rounds, func(_, share int) {
		sum, wanted := 0, 0
		for r := range share {
			v, _ := m.Load(r % keys)
			sum += v.(int)
			wanted += r % keys
		}
		if sum != wanted {
			panic("map: a wrong value")
		}
	})
	return nanosecondsSince(start) / float64(rounds), ""
}

// All of them look at one key.
func mapLoadHot(rounds int) (float64, string) {
	var m sync.Map
	for k := range keys {
		m.Store(k, k)
	}
	start := time.Now()
	onAllWorkers(rounds, func(_, share int) {
		sum := 0
		for range share {
			v, _ := m.Load(1)
			sum += v.(int)
		}
		if sum != share {
			panic("map: a wrong value")
		}
	})
	return nanosecondsSince(start) / float64(rounds), ""
}

func mapRange(rounds int) (float64, string) {
	var m sync.Map
	for k := range keys {
		m.Store(k, k)
	}
	start := time.Now()
	onAllWorkers(rounds/keys, func(_, share int) {
		for range share {
			sum := 0
			m.Range(func(_, v any) bool {
				sum += v.(int)
				return true
			})
			if sum != keys*(keys-1)/2 {
				panic("map: a wrong value")
			}
		}
	})
	return nanosecondsSince(start) / float64(rounds), ""
}

// Every tenth call stores, the others load.
func mapStoreMixed(rounds int) (float64, string) {
	var m sync.Map
	for k := range keys {
		m.Store(k, k)
	}
	start := time.Now()
	onAllWorkers(rounds, func(worker, share int) {
		for r := range share {
			k := (r + worker*509) % keys
			if r%10 == 0 {
				m.Store(k, k)
			} else if v, _ := m.Load(k); v.(int) != k {
				panic("map: a wrong value")
			}
		}
	})
	return nanosecondsSince(start) / float64(rounds), ""
}
