/** Dependency injection. tsyringe needs `Reflect.getMetadata` when it is imported, so the polyfill is imported first. */

import 'reflect-metadata';

export { container, type DependencyContainer, type InjectionToken, inject, injectable } from 'tsyringe';
