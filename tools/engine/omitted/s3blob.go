// Package s3blob stands in for the one of this name, which is not in this engine.
package s3blob
