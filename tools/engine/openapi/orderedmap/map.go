// Package orderedmap has the part of the library's map that the engine uses; nothing fills it.
package orderedmap

import "iter"

// Map is an empty map.
type Map[K comparable, V any] struct{}

// New makes one.
func New[K comparable, V any]() *Map[K, V] { return &Map[K, V]{} }

// Len is its size.
func Len[K comparable, V any](*Map[K, V]) int { return 0 }

// Len is its size.
func (*Map[K, V]) Len() int { return 0 }

// Get finds nothing.
func (*Map[K, V]) Get(K) (value V, found bool) { return }

// GetOrZero finds nothing.
func (*Map[K, V]) GetOrZero(K) (value V) { return }

// Set keeps nothing.
func (*Map[K, V]) Set(_ K, value V) (V, bool) { return value, false }

// FromOldest has no pairs.
func (*Map[K, V]) FromOldest() iter.Seq2[K, V] { return func(func(K, V) bool) {} }

// KeysFromOldest has no keys.
func (*Map[K, V]) KeysFromOldest() iter.Seq[K] { return func(func(K) bool) {} }

// Delete finds nothing to delete.
func (*Map[K, V]) Delete(K) (value V, found bool) { return }
