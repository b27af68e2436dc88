//! What pingora asks a connection that wraps another one: the wrapped one answers.

/// Implements these traits of pingora for a type, with the wrapped connection by reference and by mutable reference.
macro_rules! delegated {
    ($wrapper:ident, |$self:ident| $inner:expr, $inner_mut:expr) => {
        #[async_trait::async_trait]
        impl pingora_core::protocols::Shutdown for $wrapper {
            async fn shutdown(&mut $self) {
                // What is still in a buffer of the wrapper goes first.
                let _ = tokio::io::AsyncWriteExt::flush($self).await;
                ($inner_mut).shutdown().await;
            }
        }

        impl pingora_core::protocols::UniqueID for $wrapper {
            fn id(&$self) -> pingora_core::protocols::UniqueIDType {
                ($inner).id()
            }
        }

        impl pingora_core::protocols::Ssl for $wrapper {
            fn get_ssl(&$self) -> Option<&pingora_core::protocols::tls::TlsRef> {
                ($inner).get_ssl()
            }

            fn get_ssl_digest(&$self) -> Option<std::sync::Arc<pingora_core::protocols::tls::SslDigest>> {
                ($inner).get_ssl_digest()
            }

            fn selected_alpn_proto(&$self) -> Option<pingora_core::protocols::ALPN> {
                ($inner).selected_alpn_proto()
            }
        }

        impl pingora_core::protocols::GetTimingDigest for $wrapper {
            fn get_timing_digest(&$self) -> Vec<Option<pingora_core::protocols::TimingDigest>> {
                ($inner).get_timing_digest()
            }

            fn get_read_pending_time(&$self) -> std::time::Duration {
                ($inner).get_read_pending_time()
            }

            fn get_write_pending_time(&$self) -> std::time::Duration {
                ($inner).get_write_pending_time()
            }
        }

        impl pingora_core::protocols::GetProxyDigest for $wrapper {
            fn get_proxy_digest(&$self) -> Option<std::sync::Arc<pingora_core::protocols::raw_connect::ProxyDigest>> {
                ($inner).get_proxy_digest()
            }

            fn set_proxy_digest(&mut $self, digest: pingora_core::protocols::raw_connect::ProxyDigest) {
                ($inner_mut).set_proxy_digest(digest);
            }
        }

        impl pingora_core::protocols::GetSocketDigest for $wrapper {
            fn get_socket_digest(&$self) -> Option<std::sync::Arc<pingora_core::protocols::SocketDigest>> {
                ($inner).get_socket_digest()
            }

            fn set_socket_digest(&mut $self, digest: pingora_core::protocols::SocketDigest) {
                ($inner_mut).set_socket_digest(digest);
            }
        }
    };
}
