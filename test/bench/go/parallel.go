package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

var parallelRows = []row{
	{"calibrate", "steps", 1, 0, func(int) (float64, string) { return float64(stepsIn200us()), "" }},
	{"parfor", "ms", 0, 0, parfor},
	{"two_hogs_idle", "%", 200, 0, twoHogsIdle},
	{"two_hogs_pingpong", "%", 200, 0, twoHogsPingpong},
	{"handoff_then_compute", "ms", 200, 0, handoffThenCompute},
	{"thread_roundtrip", "us", 50_000, 5_000, threadRoundtrip},
}

func parfor(steps int) (float64, string) {
	const fibers = 64
	if steps == 0 {
		steps = stepsIn200us()
	}
	var took []float64
	for round := range 110 {
		var over sync.WaitGroup
		over.Add(fibers)
		start := time.Now()
		for range fibers {
			go func() {
				if chain(steps) == 0 {
					panic("parfor: zero")
				}
				over.Done()
			}()
		}
		over.Wait()
		if round >= 10 {
			took = append(took, millisecondsSince(start))
		}
	}
	return quantile(took, 0.5), ""
}

func twoHogsMS() float64 {
	var over sync.WaitGroup
	over.Add(2)
	start := time.Now()
	for range 2 {
		go func() {
			spinFor(5 * time.Millisecond)
			over.Done()
		}()
	}
	over.Wait()
	return millisecondsSince(start)
}

func shareInParallel(runs int, before func()) (float64, string) {
	const warm = 10
	good := 0
	var took []float64
	for i := range runs + warm {
		before()
		ms := twoHogsMS()
		if i >= warm {
			if ms <= 6.5 {
				good++
			}
			took = append(took, ms)
		}
	}
	return 100 * float64(good) / float64(runs), fmt.Sprintf("p50_ms=%f", quantile(took, 0.5))
}

func twoHogsIdle(runs int) (float64, string) {
	return shareInParallel(runs, func() { time.Sleep(10 * time.Millisecond) })
}

func twoHogsPingpong(runs int) (float64, string) {
	to, back := make(chan int32), make(chan int32)
	go func() {
		for v := range to {
			back <- v
		}
	}()
	value, extra := shareInParallel(runs, func() {
		for i := range 2000 {
			to <- int32(i)
			<-back
		}
	})
	close(to)
	return value, extra
}

// The other partner has a thread of its own, as a plain thread of ours.
func threadRoundtrip(trips int) (float64, string) {
	to, back := make(chan int32), make(chan int32)
	go func() {
		runtime.LockOSThread()
		for v := range to {
			back <- v
		}
	}()
	took := make([]float64, 0, trips)
	start := time.Now()
	for i := range trips {
		sent := time.Now()
		to <- int32(i)
		<-back
		took = append(took, nanosecondsSince(sent)/1e3)
	}
	all := nanosecondsSince(start) / 1e3
	close(to)
	return all / float64(trips), fmt.Sprintf("p50_us=%f p99_us=%f", quantile(took, 0.5), quantile(took, 0.99))
}

func handoffThenCompute(runs int) (float64, string) {
	const warm = 10
	work, delay := make(chan time.Time), make(chan float64, 1)
	go func() {
		for sent := range work {
			delay <- millisecondsSince(sent)
		}
	}()
	var took []float64
	for i := range runs + warm {
		time.Sleep(2 * time.Millisecond)
		work <- time.Now()
		spinFor(8 * time.Millisecond)
		ms := <-delay
		if i >= warm {
			took = append(took, ms)
		}
	}
	close(work)
	return quantile(took, 0.95), fmt.Sprintf("p50_ms=%f", quantile(took, 0.5))
}
