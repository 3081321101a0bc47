package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

var channelRows = []row{
	{"pingpong", "ns/trip", 1_000_000, 100_000, pingpong},
	{"buffered11", "ns/value", 4_000_000, 400_000, func(n int) (float64, string) { return buffered(n, 1) }},
	{"buffered44", "ns/value", 4_000_000, 400_000, func(n int) (float64, string) { return buffered(n, 4) }},
	{"skynet", "ms", 1_000_000, 100_000, skynet},
	{"sieve", "ms", 2_000, 200, sieve},
}

func pingpong(rounds int) (float64, string) {
	to, back := make(chan int32), make(chan int32)
	var over sync.WaitGroup
	over.Add(2)
	start := time.Now()
	go func() {
		for range rounds {
			back <- <-to
		}
		over.Done()
	}()
	go func() {
		for r := range rounds {
			to <- int32(r)
			<-back
		}
		over.Done()
	}()
	over.Wait()
	return nanosecondsSince(start) / float64(rounds), ""
}

func buffered(values, sides int) (float64, string) {
	ch := make(chan int32, 128)
	each := values / sides
	var arrived atomic.Int64
	var sent, drained sync.WaitGroup
	sent.Add(sides)
	drained.Add(sides)
	start := time.Now()
	for range sides {
		go func() {
			for v := range each {
				ch <- int32(v)
			}
			sent.Done()
		}()
		go func() {
			mine := int64(0)
			for range ch {
				mine++
			}
			arrived.Add(mine)
			drained.Done()
		}()
	}
	sent.Wait()
	close(ch)
	drained.Wait()
	took := nanosecondsSince(start)
	if int(arrived.Load()) != each*sides {
		panic(fmt.Sprintf("buffered: %d sent, %d received", each*sides, arrived.Load()))
	}
	return took / float64(each*sides), ""
}

func sumLeaves(up chan<- int, first, leaves int) {
	if leaves == 1 {
		up <- first
		return
	}
	parts := make(chan int)
	each := leaves / 10
	for i := range 10 {
		go sumLeaves(parts, first+i*each, each)
	}
	sum := 0
	for range 10 {
		sum += <-parts
	}
	up <- sum
}

func skynet(size int) (float64, string) {
	leaves := 10
	for leaves*10 <= size {
		leaves *= 10
	}
	top := make(chan int)
	start := time.Now()
	go sumLeaves(top, 0, leaves)
	sum := <-top
	took := millisecondsSince(start)
	if sum != leaves*(leaves-1)/2 {
		panic(fmt.Sprintf("skynet: wrong sum %d", sum))
	}
	return took, ""
}

func sieve(primes int) (float64, string) {
	start := time.Now()
	ch := make(chan int32)
	go func(ch chan<- int32) {
		for i := int32(2); ; i++ {
			ch <- i
		}
	}(ch)
	prime := int32(0)
	for range primes {
		prime = <-ch
		next := make(chan int32)
		go func(in <-chan int32, out chan<- int32, prime int32) {
			for {
				if i := <-in; i%prime != 0 {
					out <- i
				}
			}
		}(ch, next, prime)
		ch = next
	}
	return millisecondsSince(start), fmt.Sprintf("last=%d", prime)
}
