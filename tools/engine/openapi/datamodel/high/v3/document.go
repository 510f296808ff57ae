// Package v3 has the document's fields that the engine reads.
package v3

import (
	"github.com/pb33f/libopenapi/datamodel/high/base"
	"github.com/pb33f/libopenapi/orderedmap"
	"go.yaml.in/yaml/v4"
)

// Document is a description of an API.
type Document struct {
	Components *Components
	Info       *base.Info
	Paths      *Paths
}

// Components are what others refer to.
type Components struct {
	Schemas *orderedmap.Map[string, *base.SchemaProxy]
}

// Paths are an API's paths.
type Paths struct {
	PathItems *orderedmap.Map[string, *PathItem]
}

// PathItem has a path's operations.
type PathItem struct {
	Get, Post, Put, Delete, Patch, Head *Operation
}

// Operation is one method of a path.
type Operation struct {
	OperationId, Summary, Description string
	Tags                              []string
	Deprecated                        *bool
	Parameters                        []*Parameter
	RequestBody                       *RequestBody
	Responses                         *Responses
	Extensions                        *orderedmap.Map[string, *yaml.Node]
}

// Parameter is an operation's parameter.
type Parameter struct {
	Name, In, Description string
	Required              *bool
	Schema                *base.SchemaProxy
}

// RequestBody is what a request carries.
type RequestBody struct {
	Description string
	Required    *bool
	Content     *orderedmap.Map[string, *MediaType]
}

// Responses are an operation's answers by status.
type Responses struct {
	Codes   *orderedmap.Map[string, *Response]
	Default *Response
}

// Response is one answer.
type Response struct {
	Description string
	Content     *orderedmap.Map[string, *MediaType]
}

// MediaType is the content in one format.
type MediaType struct {
	Schema *base.SchemaProxy
}
