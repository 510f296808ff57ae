// Package libopenapi stands in for the library of this name, whose build takes as long as the rest of the engine. Only `pulumi cloud api`
// uses it, which needs Pulumi's own service: without the library that command says that it cannot read the service's description.
package libopenapi

import (
	"errors"

	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// Document is what the library makes of a description.
type Document interface {
	BuildV3Model() (*DocumentModel, error)
}

// DocumentModel holds a document's model.
type DocumentModel struct {
	Model v3.Document
}

// NewDocument always fails.
func NewDocument([]byte) (Document, error) {
	return nil, errors.New("this build of the engine has no OpenAPI reader")
}
