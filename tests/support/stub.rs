//! An API for tests in which no HTTP is needed.

use huntd::model::failure::ApiFailure;
use huntd::model::row::{Column, ColumnType, Schema};
use huntd::ports::api::{AnswerEnd, AnswerPiece, FirstByte, QueryRequest, TenantApi};
use tokio::sync::mpsc;

/// Answers each query with a schema, no rows, and the end that the function gives.
pub(crate) struct Stub<F>(pub(crate) F);

#[async_trait::async_trait]
impl<F: Fn() -> AnswerEnd + Send + Sync> TenantApi for Stub<F> {
    fn takes_timespan(&self) -> bool {
        true
    }

    fn endpoint(&self) -> String {
        String::new()
    }

    async fn sign_in(&self) -> Result<(), ApiFailure> {
        Ok(())
    }

    async fn forget_token(&self) {}

    async fn query(
        &self,
        _: &QueryRequest,
        _: &FirstByte,
        pieces: mpsc::Sender<AnswerPiece>,
    ) -> Result<AnswerEnd, ApiFailure> {
        let end = (self.0)();
        let column = Column { name: "N".to_owned(), kind: ColumnType::Long };
        pieces.send(AnswerPiece::Schema(Schema { columns: vec![column] })).await.unwrap();
        Ok(end)
    }
}
