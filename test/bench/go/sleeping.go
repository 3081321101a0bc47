package main

import (
	"sync"
	"time"
)

var sleepRows = []row{
	{"sleepers", "cpu-ms", 100_000, 10_000, sleepers},
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
