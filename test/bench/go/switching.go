package main

import (
	"runtime"
	"sync"
	"syscall"
	"time"
)

var switchingRows = []row{
	{"yield", "ns/switch", 5_000_000, 500_000, yield},
	{"spawn_batch", "ns/fiber", 1_000_000, 100_000, spawnBatch},
	{"spawn_all", "ns/fiber", 1_000_000, 1_000_000, spawnAll},
	{"blocking_quick", "ns/call", 5_000_000, 200_000, blockingQuick},
}

func yield(rounds int) (float64, string) {
	var over sync.WaitGroup
	over.Add(2)
	start := time.Now()
	for range 2 {
		go func() {
			for range rounds {
				runtime.Gosched()
			}
			over.Done()
		}()
	}
	over.Wait()
	return nanosecondsSince(start) / float64(2*rounds), ""
}

func spawnAndJoin(fibers int) {
	var over sync.WaitGroup
	over.Add(fibers)
	for range fibers {
		go func() { over.Done() }()
	}
	over.Wait()
}

func spawnBatch(fibers int) (float64, string) {
	const batch = 1000
	batches := (fibers + batch - 1) / batch
	start := time.Now()
	for range batches {
		spawnAndJoin(batch)
	}
	return nanosecondsSince(start) / float64(batches*batch), ""
}

func spawnAll(fibers int) (float64, string) {
	start := time.Now()
	spawnAndJoin(fibers)
	return nanosecondsSince(start) / float64(fibers), ""
}

// A system call that returns at once; the raw form would not tell the scheduler.
func blockingQuick(rounds int) (float64, string) {
	start := time.Now()
	for range rounds {
		syscall.Syscall(syscall.SYS_GETPPID, 0, 0, 0)
	}
	return nanosecondsSince(start) / float64(rounds), ""
}
