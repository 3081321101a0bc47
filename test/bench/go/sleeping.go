package main

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var sleepRows = []row{
	{"sleepers", "cpu-ms", 100_000, 10_000, sleepers},
	{"timer_add_stop", "ns/timer", 2_000_000, 200_000, timerAddStop},
	{"after_func_1000", "ns/timer", 500_000, 50_000, afterFunc1000},
	{"ticker", "cpu-us/tick", 10_000, 500, oneTicker},
	{"tickers_10k", "cpu-ms", 10_000, 1_000, tickers10k},
	{"bubble_sleeps", "ns/sleep", 2_000_000, 100_000, bubbleSleeps},
	{"idle_cpu", "%", 10, 0, idleCPU},
}

func sleepers(fibers int) (float64, string) {
	var over sync.WaitGroup
	over.Add(fibers)
	cpu := cpuMilliseconds()
	for i := range fibers {
		go func() {
			random := uint32(i)*2654435761 + 1
			for range 5 {
				random = random*1664525 + 1013904223
				time.Sleep(time.Duration(1+(random>>16)%100) * time.Millisecond)
			}
			over.Done()
		}()
	}
	over.Wait()
	return cpuMilliseconds() - cpu, ""
}

func timerAddStop(timers int) (float64, string) {
	const batch = 1000
	armed := make([]*time.Timer, 0, batch)
	start := time.Now()
	for done := 0; done < timers; done += batch {
		for range batch {
			armed = append(armed, time.AfterFunc(time.Hour, func() {}))
		}
		for _, t := range armed {
			t.Stop()
		}
		clear(armed)
		armed = armed[:0]
	}
	return nanosecondsSince(start) / float64(timers), ""
}

func tickers10k(tickers int) (float64, string) {
	var over sync.WaitGroup
	over.Add(tickers)
	cpu := cpuMilliseconds()
	for i := range tickers {
		go func() {
			random := (uint32(i)*2654435761 + 1) >> 8
			ticker := time.NewTicker(time.Duration(40_000+random%20_000) * time.Microsecond)
			for range 10 {
				<-ticker.C
			}
			ticker.Stop()
			over.Done()
		}()
	}
	over.Wait()
	return cpuMilliseconds() - cpu, ""
}

func afterFunc1000(timers int) (float64, string) {
	const batch = 1000
	start := time.Now()
	for done := 0; done < timers; done += batch {
		var over sync.WaitGroup
		over.Add(batch)
		for range batch {
			time.AfterFunc(time.Microsecond, func() { over.Done() })
		}
		over.Wait()
	}
	return nanosecondsSince(start) / float64(timers), ""
}

func oneTicker(ticks int) (float64, string) {
	ticker := time.NewTicker(100 * time.Microsecond)
	cpu := cpuMilliseconds()
	for range ticks {
		<-ticker.C
	}
	ticker.Stop()
	return (cpuMilliseconds() - cpu) * 1e3 / float64(ticks), ""
}

func idleCPU(seconds int) (float64, string) {
	const fibers = 10_000
	never := make(chan struct{})
	var over sync.WaitGroup
	over.Add(fibers)
	for range fibers {
		go func() {
			<-never
			over.Done()
		}()
	}
	time.Sleep(300 * time.Millisecond)
	cpu := cpuMilliseconds()
	time.Sleep(time.Duration(seconds) * time.Second)
	used := cpuMilliseconds() - cpu
	close(never)
	over.Wait()
	return used / (float64(seconds) * 1e3) * 100, ""
}

// A bubble needs a test: testing runs one, which hands the time over and never ends.
func bubbleSleeps(sleeps int) (float64, string) {
	const fibers = 100
	bubble := func(t *testing.T) {
		var all sync.WaitGroup
		for i := range fibers {
			all.Go(func() {
				for range sleeps / fibers {
					time.Sleep(time.Second + time.Duration(i)*time.Microsecond)
				}
			})
		}
		all.Wait()
	}
	took := make(chan float64)
	body := func(t *testing.T) {
		start := time.Now()
		synctest.Test(t, bubble)
		took <- nanosecondsSince(start)
		select {}
	}
	all := func(_, _ string) (bool, error) { return true, nil }
	go testing.Main(all, []testing.InternalTest{{Name: "bubble", F: body}}, nil, nil)
	return <-took / float64(sleeps), ""
}
