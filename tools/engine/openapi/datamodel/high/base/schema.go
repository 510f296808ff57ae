// Package base has the schema's fields that the engine reads.
package base

import (
	"errors"

	"github.com/pb33f/libopenapi/orderedmap"
	"go.yaml.in/yaml/v4"
)

// Schema is a JSON schema.
type Schema struct {
	AdditionalProperties, Items *DynamicValue[*SchemaProxy, bool]
	AllOf, AnyOf, OneOf         []*SchemaProxy
	Default                     *yaml.Node
	Description, Format         string
	Discriminator               *Discriminator
	Enum                        []*yaml.Node
	Extensions                  *orderedmap.Map[string, *yaml.Node]
	Maximum, Minimum            *float64
	MultipleOf                  *float64
	MaxItems, MinItems          *int64
	MaxLength, MinLength        *int64
	Nullable, ReadOnly          *bool
	WriteOnly, Deprecated       *bool
	Pattern                     string
	Properties                  *orderedmap.Map[string, *SchemaProxy]
	Required, Type              []string
}

// Low is a schema as written.
type Low struct{}

// Hash tells schemas apart.
func (*Low) Hash() uint64 { return 0 }

// GoLow answers the schema as written.
func (*Schema) GoLow() *Low { return nil }

// MarshalJSONInline always fails.
func (*Schema) MarshalJSONInline() ([]byte, error) { return nil, errors.New("no OpenAPI reader") }

// SchemaProxy is a schema or a reference to one.
type SchemaProxy struct{}

// Schema answers the schema.
func (*SchemaProxy) Schema() *Schema { return nil }

// GetReference answers the reference.
func (*SchemaProxy) GetReference() string { return "" }

// IsReference says whether it is one.
func (*SchemaProxy) IsReference() bool { return false }

// Discriminator chooses among schemas by a property.
type Discriminator struct {
	PropertyName string
	Mapping      *orderedmap.Map[string, string]
}

// DynamicValue is one of two types.
type DynamicValue[A any, B any] struct {
	A A
	B B
}

// IsA says whether it is the first.
func (*DynamicValue[A, B]) IsA() bool { return true }

// Info describes a document.
type Info struct {
	Version string
}
