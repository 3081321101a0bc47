package main

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// golang.org/x is not part of Go: what stands here for errgroup, semaphore and singleflight is what the standard library
// offers for the same work. There is nothing for rate.
var groupingRows = []row{
	{"context_with_cancel", "ns/context", 2_000_000, 100_000, withCancel},
	{"context_tree_cancel", "ns/child", 500, 50, treeCancel},
	{"context_deep_value", "ns/lookup", 500_000, 50_000, deepValue},
	{"errgroup_1000", "ns/task", 500, 50, errgroup1000},
	{"semaphore_uncontended", "ns/pair", 5_000_000, 100_000, semaphoreAlone},
	{"semaphore_contended", "ns/pair", 5_000, 500, semaphoreCrowded},
	{"singleflight_hot", "ns/call", 5_000, 500, singleflightHot},
}

func withCancel(rounds int) (float64, string) {
	root, cancelRoot := context.WithCancel(context.Background())
	start := time.Now()
	for range rounds {
		_, cancel := context.WithCancel(root)
		cancel()
	}
	took := nanosecondsSince(start)
	cancelRoot()
	return took / float64(rounds), ""
}

func treeCancel(rounds int) (float64, string) {
	const width = 1000
	start := time.Now()
	for range rounds {
		root, cancel := context.WithCancel(context.Background())
		children := make([]context.Context, 0, width)
		for range width {
			child, _ := context.WithCancel(root)
			child.Done()
			children = append(children, child)
		}
		cancel()
		if children[0].Err() == nil || children[width-1].Err() == nil {
			panic("context: not cancelled")
		}
	}
	took := nanosecondsSince(start)
	return took / float64(rounds) / width, ""
}

type benchKey struct{ n int }

func deepValue(rounds int) (float64, string) {
	ctx := context.Background()
	for i := range 100 {
		ctx = context.WithValue(ctx, benchKey{i}, i)
	}
	sum := 0
	start := time.Now()
	for range rounds {
		sum += ctx.Value(benchKey{0}).(int) + 1
	}
	took := nanosecondsSince(start)
	if sum != rounds {
		panic("context: wrong value")
	}
	return took / float64(rounds), ""
}

// A wait group, a once for the first error, and a context.
type group struct {
	running sync.WaitGroup
	first   sync.Once
	err     error
	cancel  context.CancelCauseFunc
}

func (g *group) goTask(f func() error) {
	g.running.Add(1)
	go func() {
		defer g.running.Done()
		if err := f(); err != nil {
			g.first.Do(func() {
				g.err = err
				g.cancel(err)
			})
		}
	}()
}

func errgroup1000(rounds int) (float64, string) {
	const tasks = 1000
	start := time.Now()
	for range rounds {
		var g group
		_, g.cancel = context.WithCancelCause(context.Background())
		for i := range tasks {
			g.goTask(func() error {
				if i < 0 {
					return context.Canceled
				}
				return nil
			})
		}
		g.running.Wait()
		g.cancel(g.err)
		if g.err != nil {
			panic("errgroup: an error")
		}
	}
	took := nanosecondsSince(start)
	return took / float64(rounds*tasks), ""
}

// A buffered channel.
type semaphore chan struct{}

func (s semaphore) acquire(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
func (s semaphore) release() { <-s }

func semaphoreAlone(rounds int) (float64, string) {
	sem := make(semaphore, 10)
	ctx, cancel := context.WithCancel(context.Background())
	start := time.Now()
	for range rounds {
		if sem.acquire(ctx) != nil {
			panic("semaphore: an error")
		}
		sem.release()
	}
	took := nanosecondsSince(start)
	cancel()
	return took / float64(rounds), ""
}

func semaphoreCrowded(rounds int) (float64, string) {
	const fibers = 100
	sem := make(semaphore, 10)
	ctx, cancel := context.WithCancel(context.Background())
	var over sync.WaitGroup
	over.Add(fibers)
	start := time.Now()
	for range fibers {
		go func() {
			for range rounds {
				if sem.acquire(ctx) != nil {
					panic("semaphore: an error")
				}
				runtime.Gosched()
				sem.release()
			}
			over.Done()
		}()
	}
	over.Wait()
	took := nanosecondsSince(start)
	cancel()
	return took / float64(fibers*rounds), ""
}

// A map of the calls in flight, and a wait group for each.
type flight struct {
	over   sync.WaitGroup
	value  int
	err    error
	shared bool
}
type flights struct {
	mu    sync.Mutex
	calls map[string]*flight
}

func (g *flights) do(key string, f func() (int, error)) (int, error, bool) {
	g.mu.Lock()
	if c, ok := g.calls[key]; ok {
		c.shared = true
		g.mu.Unlock()
		c.over.Wait()
		return c.value, c.err, true
	}
	c := new(flight)
	c.over.Add(1)
	g.calls[key] = c
	g.mu.Unlock()
	c.value, c.err = f()
	g.mu.Lock()
	c.over.Done()
	if g.calls[key] == c {
		delete(g.calls, key)
	}
	g.mu.Unlock()
	return c.value, c.err, c.shared
}

func singleflightHot(rounds int) (float64, string) {
	const fibers = 100
	g := flights{calls: map[string]*flight{}}
	var over sync.WaitGroup
	over.Add(fibers)
	start := time.Now()
	for range fibers {
		go func() {
			for r := range rounds {
				v, err, _ := g.do("key", func() (int, error) {
					runtime.Gosched()
					return r + 1, nil
				})
				if v == 0 || err != nil {
					panic("singleflight: no value")
				}
			}
			over.Done()
		}()
	}
	over.Wait()
	took := nanosecondsSince(start)
	return took / float64(fibers*rounds), ""
}
