package main

import "time"

// Select: see ../selecting.cpp.

var selectingRows = []row{
	{"select_ready", "ns/select", 3_000_000, 300_000, selectReady},
	{"select_block", "ns/select", 1_000_000, 100_000, selectBlock},
	{"select_nonblock", "ns/select", 20_000_000, 1_000_000, selectNonblock},
}

func selectReady(rounds int) (float64, string) {
	a, b, c, d := make(chan int, 1), make(chan int, 1), make(chan int, 1), make(chan int, 1)
	all := [4]chan int{a, b, c, d}
	start := time.Now()
	for r := 0; r < rounds; r++ {
		all[r&3] <- r
		select {
		case <-a:
		case <-b:
		case <-c:
		case <-d:
		}
	}
	return nanosecondsSince(start) / float64(rounds), ""
}

func selectBlock(rounds int) (float64, string) {
	a, b, c, d := make(chan int), make(chan int), make(chan int), make(chan int)
	for _, ch := range []chan int{a, b, c, d} {
		go func() {
			for r := 0; r < rounds/4; r++ {
				ch <- r
			}
		}()
	}
	start := time.Now()
	for r := 0; r < rounds/4*4; r++ {
		select {
		case <-a:
		case <-b:
		case <-c:
		case <-d:
		}
	}
	return nanosecondsSince(start) / float64(rounds), ""
}

func selectNonblock(rounds int) (float64, string) {
	ch := make(chan int)
	start := time.Now()
	for r := 0; r < rounds; r++ {
		select {
		case <-ch:
		default:
		}
	}
	return nanosecondsSince(start) / float64(rounds), ""
}
