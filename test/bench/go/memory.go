package main

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Go has one kind of stack: this row stands beside both sizes of ours.
var memoryRows = []row{{"parked", "B/fiber", 1_000_000, 0, parked}}

func parkAndWake(fibers int, bytesBefore float64) (bytes, createMS, wakeMS float64) {
	ch := make(chan int32)
	var started, over sync.WaitGroup
	started.Add(fibers)
	over.Add(fibers)
	create := time.Now()
	for range fibers {
		go func() {
			started.Done()
			<-ch
			over.Done()
		}()
	}
	started.Wait()
	runtime.Gosched()
	createMS = millisecondsSince(create)
	bytes = memoryBytes() - bytesBefore
	wake := time.Now()
	for range fibers {
		ch <- 1
	}
	over.Wait()
	return bytes, createMS, millisecondsSince(wake)
}

// See have_the_host_back in ../memory.cpp.
func haveTheHostBack(bytes int) {
	memory, err := syscall.Mmap(-1, 0, bytes, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		return
	}
	for i := 0; i < bytes; i += 4096 {
		memory[i] = 1
	}
	syscall.Munmap(memory)
}

func parked(fibers int) (float64, string) {
	haveTheHostBack(fibers * 5000)
	before := memoryBytes()
	parkAndWake(fibers/100+1, before)
	bytes, createMS, wakeMS := parkAndWake(fibers, before)
	return bytes / float64(fibers), fmt.Sprintf("create_ms=%.1f wake_ms=%.1f", createMS, wakeMS)
}
