// Package s3 stands in for the library of this name: the engine asks each bucket whether a copy is one of S3, and here none is.
package s3

// CopyObjectInput is the part of a copy that the engine changes.
type CopyObjectInput struct {
	CopySource *string
}
