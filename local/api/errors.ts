/** Compute's errors. The wording is the same as Compute's if clients check it. */

interface Detail {
  message: string;
  domain: string;
  reason: string;
  location?: string;
  locationType?: string;
}

/** A request that the API refuses; becomes Google's error JSON. */
export class ApiError extends Error {
  constructor(
    /** HTTP status. */
    readonly code: number,
    readonly reason: string,
    message: string,
    private readonly where?: { location: string; locationType: string },
  ) {
    super(message);
  }

  /** The body of the answer. */
  toJSON(): { error: { code: number; message: string; errors: Detail[] } } {
    const detail = { message: this.message, domain: "global", reason: this.reason, ...this.where };
    return { error: { code: this.code, message: this.message, errors: [detail] } };
  }
}

const ifMatch = { location: "If-Match", locationType: "header" };

export function notFound(path: string): ApiError {
  return new ApiError(404, "notFound", `The resource '${path}' was not found`);
}

export function alreadyExists(path: string): ApiError {
  return new ApiError(409, "alreadyExists", `The resource '${path}' already exists`);
}

/** `why` is a whole sentence. */
export function invalid(field: string, value: string, why: string): ApiError {
  return new ApiError(400, "invalid", `Invalid value for field '${field}': '${value}'. ${why}`);
}

export function required(field: string): ApiError {
  return new ApiError(400, "required", `Required field '${field}' not specified`);
}

export function notReady(path: string): ApiError {
  return new ApiError(400, "resourceNotReady", `The resource '${path}' is not ready`);
}

/** `kind` is the resource's kind in words, such as `network`. */
export function inUse(kind: string, path: string, user: string): ApiError {
  const message = `The ${kind} resource '${path}' is already being used by '${user}'`;
  return new ApiError(400, "resourceInUseByAnotherResource", message);
}

export function deletionProtected(): ApiError {
  const message = "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion.'.";
  return new ApiError(400, "invalidResourceUsage", message);
}

export function staleMetadata(): ApiError {
  const message = "Supplied fingerprint does not match current metadata fingerprint.";
  return new ApiError(412, "conditionNotMet", message, ifMatch);
}

export function staleLabels(): ApiError {
  const message = "Labels fingerprint either invalid or resource labels have changed";
  return new ApiError(412, "conditionNotMet", message, ifMatch);
}

export function staleFingerprint(): ApiError {
  return new ApiError(412, "conditionNotMet", "Invalid fingerprint.", ifMatch);
}

export function tooLarge(field: string, maximum: number, actual: number, unit: string): ApiError {
  const message = `Value for field '${field}' is too large: maximum size ${maximum} ${unit}; actual size ${actual}.`;
  return new ApiError(413, "fieldSizeTooLarge", message);
}

export function unauthenticated(): ApiError {
  return new ApiError(
    401,
    "required",
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
    { location: "Authorization", locationType: "header" },
  );
}
