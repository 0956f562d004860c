/** Dependency injection. tsyringe asks for `Reflect.getMetadata` when it loads, so the polyfill comes first. */

import 'reflect-metadata';

export { container, type DependencyContainer, type InjectionToken, inject, injectable } from 'tsyringe';
